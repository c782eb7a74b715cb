"""
A first run
===========

"""

print("x")
