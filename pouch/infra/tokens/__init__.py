"""Counting tokens offline: what an input cannot exceed, and what it is by the published rules.

Two numbers, two promises. The *bound* rests on one fact, that a byte-level vocabulary never makes
more tokens than bytes, and on the largest count that an image can have. The *count* follows the
vendors' formulas, and is never allowed to exceed the bound. Nothing here opens a connection: the
vocabularies are in the package, and whatever cannot be counted is answered by the bound.
"""
