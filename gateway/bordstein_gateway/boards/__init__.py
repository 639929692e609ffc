"""What is known of boards and other devices, and what is said to boards."""
