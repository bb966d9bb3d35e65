"""The page in a real browser, for tests and screenshots."""
