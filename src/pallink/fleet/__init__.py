"""Many accounts from one file.

entry       what a fleet file says of one account in one tenant
document    what stands where in a file: cells with their lines and columns
yaml_file   a YAML file as a document
csv_file    a CSV file as a document
check       a document as entries, with every problem: pure
file        a file as entries
run_state   what the journal of a run says: pure
run_folder  the folder of a run: where it is, which process holds it
journal     the journal of one run: what it is about to write, and what became of it
runs        the runs in the user's folder, for a list of them
entry      what a fleet file says of one account in one tenant
document   what stands where in a file: cells with their lines and columns
yaml_file  a YAML file as a document
csv_file   a CSV file as a document
check      a document as entries, with every problem: pure
file       a file as entries
secrets    the values of the secrets that entries refer to
"""
