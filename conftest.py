"""What every test run needs, wherever it starts."""

pytest_plugins = [
    "tests.plugins.garbage", "tests.plugins.order", "tests.plugins.patience", "tests.plugins.rules",
    "tests.plugins.said",
]  # fmt: skip
