// The cache that the settings describe.

package serving

import (
	"log/slog"

	"pagemap/cmd/internal/config"
	"pagemap/render/cache"
)

// Cache is the cache that all programs of a site share, with a memory tier of so
// many bytes; 0: none.
func Cache(s *config.Settings, memory int64, log *slog.Logger) (*cache.Cache, error) {
	o, err := CacheOptions(s, memory, log)
	if err != nil {
		return nil, err
	}
	return cache.New(o)
}

// CacheOptions are those that Cache makes it with.
func CacheOptions(s *config.Settings, memory int64, log *slog.Logger) (cache.Options, error) {
	key, err := config.ReadSecret(s.MemcachedKey)
	if err != nil {
		return cache.Options{}, err
	}
	if memory == 0 {
		memory = -1 // to the cache 0 is its default
	}
	return cache.Options{
		MemoryBytes: memory, Servers: s.Memcached, HMACKey: key,
		Prefix:      cache.DefaultPrefix + s.Schema + ":", // sites may share memcached
		FillTimeout: s.RequestTimeout, Logger: log,
	}, nil
}
