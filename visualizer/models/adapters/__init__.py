"""Models of others, each as the package that ships it gives it: a module is one adapter.

Its name on the command line is the module's, with hyphens for underscores. A module imports the
package at its top, and has one class derived from `Model`.
"""
