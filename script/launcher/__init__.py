"""Brings Anju up on an empty machine: environment, servers, Django; standard library only.

It runs on the system's Python before the virtual environment exists, so nothing here may import
Django or any installed package, and nothing of Anju imports this.
"""
