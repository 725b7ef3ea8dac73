"""Exceptions that Cinematrix raises, as one tree.

```
CinematrixError            exit code 1
├── InputError             exit code 2: invalid input
│   ├── DataError          an invalid table, row or column
│   ├── SettingError       an invalid option or hyper-parameter
│   ├── UnknownIdError     an ID that isn't in the model, where the model needs one
│   ├── ArtifactError      a saved model that is incomplete or of another version
│   └── StoreError         an unusable database
├── DownloadError          exit code 1: a data set that can't be downloaded
├── MissingExtraError      exit code 2: an optional dependency that isn't installed
├── TrainingError          exit code 1: a numerical failure (NaN, divergence)
├── WorkError              exit code 1: one of many items of work ended by an unexpected error
└── ClusterError           exit code 1: a cluster that can't be reached
```

Every message is one sentence: the subject, the value received, the rule, and the fix if there is one.
"""


class CinematrixError(Exception):
    """Base class of all errors that Cinematrix raises on purpose."""

    exit_code = 1


class InputError(CinematrixError):
    """Invalid input from the caller."""

    exit_code = 2


class DataError(InputError):
    """Invalid table of ratings or movies; the message names the file and the line."""


class SettingError(InputError):
    """Invalid name or value of an option or hyper-parameter."""


class UnknownIdError(InputError):
    """Required ID that isn't in the model."""


class ArtifactError(InputError):
    """Saved model that is missing, damaged, incomplete, or of a newer format."""


class StoreError(InputError):
    """Database that can't be opened, is in use by another server, or is of another version."""


class DownloadError(CinematrixError):
    """Failed download of a data set: no connection, or a checksum mismatch."""


class MissingExtraError(CinematrixError):
    """Optional dependency that isn't installed."""

    exit_code = 2


class TrainingError(CinematrixError):
    """Failed training; the message says what to change."""


class WorkError(CinematrixError):
    """Failed item of work that was spread over processes or nodes; the message names the item."""


class ClusterError(CinematrixError):
    """Cluster that can't be reached or used."""


class DataWarning(UserWarning):
    """Warning of a value in the caller's data that was guessed or is doubtful."""
