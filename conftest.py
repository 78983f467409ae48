"""What every test run needs, wherever it starts."""

pytest_plugins = ["tests.plugins.garbage", "tests.plugins.order", "tests.plugins.rules"]
