"""What every face shares: services, the gate, dependencies, routers, problems, pages."""
