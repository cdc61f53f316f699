"""The API's routes, one file a resource. A route reads its request, makes one service call, and shows the result."""
