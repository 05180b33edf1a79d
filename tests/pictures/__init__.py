"""Pictures of what only shows in a moment: states that somebody has to bring about.

`make pictures` takes them from the platform that runs here, each at two widths, light and dark,
beside one another in reports/pictures/index.html. People look at them; nothing is asserted.
"""
