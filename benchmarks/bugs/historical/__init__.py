"""Bugs that were met in public, a file for each: the smallest part of the net, and the port as it was in the thread."""
