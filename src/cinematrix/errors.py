"""What can go wrong, as one tree.

```
CinematrixError            exit code 1
├── InputError             exit code 2: what the caller handed over can't be used
│   ├── DataError          a table, a line or a column of it
│   ├── SettingError       an option or a hyper-parameter
│   ├── UnknownIdError     an ID that the model has never seen, where one is needed
│   ├── ArtifactError      a saved model that isn't whole, or isn't for this version
│   └── StoreError         a database that can't be used
├── DownloadError          exit code 1: a data set that can't be fetched
├── MissingExtraError      exit code 2: a part of Cinematrix that isn't installed
└── TrainingError          exit code 1: the numbers went wrong (NaN, divergence)
```

Every message is one sentence: the subject, the value received, the rule, and the fix where it is known.
"""


class CinematrixError(Exception):
    """The root of all errors that Cinematrix raises on purpose."""

    exit_code = 1


class InputError(CinematrixError):
    """What the caller handed over can't be used as it is."""

    exit_code = 2


class DataError(InputError):
    """A table of ratings or movies breaks a rule; the message names the file and the line."""


class SettingError(InputError):
    """An option or a hyper-parameter has a name or value that isn't allowed."""


class UnknownIdError(InputError):
    """An ID is needed that isn't in the model."""


class ArtifactError(InputError):
    """A saved model is missing, damaged, half-written, or of a newer format."""


class StoreError(InputError):
    """A database can't be opened, is in use by another server, or isn't for this version."""


class DownloadError(CinematrixError):
    """A data set can't be fetched: no connection, or what arrives isn't what was published."""


class MissingExtraError(CinematrixError):
    """A dependency of an optional part isn't installed."""

    exit_code = 2


class TrainingError(CinematrixError):
    """Training broke down; the message says what to change."""
