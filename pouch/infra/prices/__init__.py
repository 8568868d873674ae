"""Where prices come from: the operator's tables, then the data of the ``genai-prices`` package.

A source prices a model as a whole or not at all; rates of two sources are never mixed. What no
source prices beyond doubt has no price, and so is refused: no price is better than a wrong one.
Nothing here opens a connection.
"""
