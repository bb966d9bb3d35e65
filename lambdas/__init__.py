"""The functions behind API Gateway and the streams: thin handlers, ports, adapters."""
