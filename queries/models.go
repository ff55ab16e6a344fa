package queries

import "context"

// Models lists the models that the latest run covers, in order of name.
func (db *DB) Models(ctx context.Context) ([]string, error) {
	r, err := db.run(ctx, "select distinct c.model from coverage as c order by c.model")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(r.Rows))
	for _, row := range r.Rows {
		if name, ok := row[0].(string); ok {
			names = append(names, name)
		}
	}
	return names, nil
}
