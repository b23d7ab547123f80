"""The page that shows an OpenAPI document, with its scripts served from here: it works without any other address."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs-assets"
# An empty picture; the default one is fetched from FastAPI's site.
_NO_ICON = "data:,"


def assets() -> StaticFiles:
    return StaticFiles(packages=[("fastapi_offline", "static")])


def install(app: FastAPI) -> None:
    """Adds /docs to an application that has an openapi_url."""

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=f"{request.scope['root_path']}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=_NO_ICON,
            # Swagger's own default asks a server of theirs.
            swagger_ui_parameters={"validatorUrl": None},
        )
