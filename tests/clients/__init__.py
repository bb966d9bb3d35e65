"""Tests in the environment of the clients (requirements/clients.txt), against a running lake.

Run by tests/emulator/test_clients.py, which has the lake.
"""
