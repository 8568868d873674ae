"""``pouch drill``: the operator's configuration under faults, and each promise kept or broken.

Everything happens in a folder of its own on this machine: no provider is called, no key is used.
"""
