"""What is wrong: this computer, and what helps those who are to help."""
