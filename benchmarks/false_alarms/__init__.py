"""How often a right layer is called wrong: every case, on several inputs, by every numeric path of this machine."""
