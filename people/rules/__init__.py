"""Pure rules of people: authority, identity numbers, masking, policy lines. No Django, no clock."""
