"""What a terminal shows of the log: lines as those that the program prints itself."""

from __future__ import annotations

import logging


class ConsoleFormatter(logging.Formatter):
    """Names whose a line is: this program's, or another package's."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a line without its module, which only the log file tells."""
        return f"{record.name.partition('.')[0]}: {record.message}"


def log_to_console() -> None:
    """Show warnings and errors on standard error, in a process that keeps no log file."""
    console = logging.StreamHandler()
    console.setFormatter(ConsoleFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[console])
