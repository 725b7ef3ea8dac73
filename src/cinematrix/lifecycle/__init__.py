"""Operation of a served model: versions, retraining, the gate for new versions, and the doctor's checks."""
