"""Geometries of literals (WKT) and of entities (GeoJSON), WGS 84 longitude and latitude.

shapely is loaded by the first query that needs it.
"""

from typing import Any


def from_literal(text: str) -> Any:
    """The geometry of a WKT text. ValueError with the reason."""
    import shapely

    try:
        return shapely.from_wkt(text.strip().removeprefix("SRID=4326;"))
    except shapely.errors.ShapelyError as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def from_value(value: Any) -> Any:
    """A geometry as it is; of a GeoJSON geometry or feature its geometry; None for anything else."""
    import shapely

    if isinstance(value, dict):
        geometry = value.get("geometry") if value.get("type") == "Feature" else value
        try:
            return shapely.geometry.shape(geometry) if geometry else None
        except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError):
            return None
    return value if isinstance(value, shapely.Geometry) else None
