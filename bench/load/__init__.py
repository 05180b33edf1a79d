"""A load generator for HTTP: closed loop and open loop, one process, one request per connection."""
