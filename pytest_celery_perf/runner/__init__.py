"""From what a test asks for to the records of what happened; owns every lifetime."""
