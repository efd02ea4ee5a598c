"""The made-up bugs, a file for each family of codes; every file has its `BUGS`."""
