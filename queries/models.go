package queries

import "context"

// Models lists the models that the latest run covers, in order of name.
func (db *DB) Models(ctx context.Context) ([]string, error) {
	return db.names(ctx, "select distinct c.model from coverage as c order by c.model")
}
