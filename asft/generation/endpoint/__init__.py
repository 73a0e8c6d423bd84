"""Any OpenAI-compatible server: how it is asked, what its replies mean, where they are kept."""
