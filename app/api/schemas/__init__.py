"""What goes over the wire, one file a resource: requests refuse unknown fields, answers are exactly as documented."""
