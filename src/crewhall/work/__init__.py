"""Work: what an organization has to do, where it stands, and what is mirrored of it from elsewhere."""
