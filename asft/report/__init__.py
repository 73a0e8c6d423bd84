"""The report's pages and data; asft.steps.report says what is read and written.

`answers` and `evidence` turn files into data, `tables` and `overview` into what the front page
shows, `pages` writes both. `templates/` holds the pages' HTML, `assets/` their styles and scripts.
"""
