"""The record of everything: facts, reactions still to run, files by their hash, day-end runs."""
