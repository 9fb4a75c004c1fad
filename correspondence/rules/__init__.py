"""What is said to whom and when: pure, without storage or clock."""
