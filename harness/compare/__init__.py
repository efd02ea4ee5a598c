"""How far the candidate is from the reference, and whether rounding explains it. Knows neither Keras nor containers."""
