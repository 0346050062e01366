# The smallest peer in Python: aiohttp on a Unix socket, one JSON object a WebSocket message. Its start and its
# memory are measured until the first answer to a plain GET.
import json
import sys

from aiohttp import web


async def answer(request):
    return web.Response(text=json.dumps({"result": {}}) + "\n")


app = web.Application()
app.router.add_get("/", answer)
web.run_app(app, path=sys.argv[1], print=None)
