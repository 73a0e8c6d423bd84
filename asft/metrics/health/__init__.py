"""The health of a training in words: checks of its history and of the policy's answers."""
