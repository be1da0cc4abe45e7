"""Many accounts from one file.

entry      what a fleet file says of one account in one tenant
document   what stands where in a file: cells with their lines and columns
yaml_file  a YAML file as a document
csv_file   a CSV file as a document
check      a document as entries, with every problem: pure
file       a file as entries
secrets    the values of the secrets that entries refer to
"""
