"""The same for many boards, out of a list, over several ports."""
