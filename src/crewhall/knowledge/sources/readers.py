"""Which reader goes through which type of source. Each is imported when first used: nobody reads all the time."""

from crewhall.kernel.outbound import Outbound
from crewhall.knowledge.sources.configs import ApiConfig, Config, DatabaseConfig, FolderConfig, UrlConfig
from crewhall.knowledge.sources.reading import SOURCE_REFUSED, Reader
from crewhall.knowledge.sources.run import Run
from crewhall.knowledge.sources.settings import SourceSettings


def reader_of(run: Run, config: Config, settings: SourceSettings, outbound: Outbound) -> Reader:
    """The reader of a source. Raises SOURCE_REFUSED, INVALID (what it names is not there any more)."""
    if isinstance(config, UrlConfig):
        from crewhall.knowledge.sources.urls import UrlReader

        return UrlReader(outbound, run.path, config)
    if isinstance(config, FolderConfig):
        from crewhall.knowledge.sources.folders import FolderReader

        name, _, below = run.path.partition("/")
        return FolderReader(settings.folder(run.slug, name), below, config)
    if isinstance(config, ApiConfig):
        from crewhall.knowledge.sources.apis import ApiReader

        headers = None if config.headers is None else settings.headers(run.slug, config.headers)
        return ApiReader(outbound, run.path, config, headers)
    if isinstance(config, DatabaseConfig):
        from crewhall.knowledge.sources.databases import DatabaseReader

        return DatabaseReader(settings.database(run.slug, run.path.partition("/")[0]), config)
    raise SOURCE_REFUSED("A file is as it was sent.")
