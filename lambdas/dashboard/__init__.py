"""What the page needs beside reports and definitions: what is deployed, and dead letters."""
