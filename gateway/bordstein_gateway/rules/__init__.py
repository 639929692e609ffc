"""Rule sheets (Regelblätter): what is looked at, when something has to be done, why, by whom, and how."""
