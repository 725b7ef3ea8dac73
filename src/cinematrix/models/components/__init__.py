"""Components shared by two models or more: biases, factors, EASE, neighbourhoods, calibration, dense layers."""
