"""The heartbeat: event time moves even when nobody sends."""
