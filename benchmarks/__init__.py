"""What the README's figures come from; never run by the tests."""
