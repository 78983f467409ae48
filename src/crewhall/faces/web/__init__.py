"""Pages: templates, styles and modules. Their handlers are the domains' own `pages…` modules."""
