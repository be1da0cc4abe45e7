"""Print every error message of the program in one table, to be read line by line: `python -m tools.messages`.

`…` stands for a value that is inserted, or for a text that is made elsewhere.
"""

from tools.program import messages


def main() -> None:
    """Print the table in Markdown, sorted by exit code and file."""
    print("| exit code | error | cause | hint | command | where |\n|---|---|---|---|---|---|")
    for message in sorted(messages(), key=lambda message: (message.exit_code, message.where)):
        cells = (message.text, message.cause, message.remedy, message.command, message.where)
        print(f"| {message.exit_code} | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")


if __name__ == "__main__":
    main()
