"""What the HTTP APIs share: the app, bodies, and errors as RFC 9457 problem documents."""
