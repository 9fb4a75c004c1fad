"""People: staff, branches, roles and what they may see; borrowers and what is known of them."""
