"""Starters: multilingual adapters that come with the package, one a backbone, to begin training from.

`find` says which file there is for a backbone; `package` makes such files and unpacks them to ordinary exports.
"""

from ltp.starter.shipped import StarterFile, find

__all__ = ["StarterFile", "find"]
