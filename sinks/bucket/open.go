package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcp"

	"servegrid/sinks"
)

func init() {
	sinks.RegisterBuckets(func(ctx context.Context, l sinks.Location) (sinks.Store, error) { return Open(ctx, l) }, Access)
}

// Open opens a bucket with the credentials of the provider's usual chain, and makes sure
// that it can be listed.
func Open(ctx context.Context, l sinks.Location) (*Bucket, error) {
	b, err := connect(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", l.Name(), plain(err))
	}
	if l.Prefix != "" {
		b = blob.PrefixedBucket(b, l.Prefix+"/")
	}
	s := New(ctx, b, l.Name())
	s.attempts = openAttempts
	_, err = s.Folders("runs")
	s.attempts = attempts
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open warehouse %s: there is no such bucket: make it first", l.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", l.Name(), err)
	}
	return s, nil
}

func connect(ctx context.Context, l sinks.Location) (*blob.Bucket, error) {
	switch l.Scheme {
	case "s3":
		c, err := clientS3(ctx, l)
		if err != nil {
			return nil, err
		}
		return s3blob.OpenBucket(ctx, c, l.Bucket, &s3blob.Options{RequestChecksumCalculation: c.Options().RequestChecksumCalculation})
	case "gs":
		return connectGS(ctx, l)
	case "azblob":
		return connectAzure(ctx, l)
	}
	return nil, fmt.Errorf("no provider is known for %s://", l.Scheme)
}

// Access returns what reads a bucket of S3, or of a server that speaks like it.
func Access(ctx context.Context, l sinks.Location) (a sinks.Access, err error) {
	c, err := clientS3(ctx, l)
	if err != nil {
		return a, fmt.Errorf("open warehouse %s: %w", l.Name(), plain(err))
	}
	o := c.Options()
	found, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return a, fmt.Errorf("open warehouse %s: %w", l.Name(), plain(err))
	}
	a = sinks.Access{KeyID: found.AccessKeyID, Secret: found.SecretAccessKey, Token: found.SessionToken, Region: o.Region, PathStyle: o.UsePathStyle}
	if o.BaseEndpoint != nil {
		a.Endpoint = *o.BaseEndpoint
	}
	return a, nil
}

// clientS3 speaks to S3 or a server that speaks like it. The latter, named by endpoint or
// by AWS_ENDPOINT_URL, is asked with the bucket in the path, as most of them want
// it.
func clientS3(ctx context.Context, l sinks.Location) (*s3.Client, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = requestsAtOnce })
	chain := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client), config.WithRetryer(briefly), config.WithLogger(logging.Nop{}),
		config.WithSharedConfigProfile(l.Params.Get("profile")),
	}
	if region := l.Params.Get("region"); region != "" {
		chain = append(chain, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, chain...)
	if err != nil {
		return nil, err
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials are found: %w", err)
	}
	style := l.Params.Get("use_path_style")
	pathStyle, err := strconv.ParseBool(style)
	if style != "" && err != nil {
		return nil, fmt.Errorf("parameter use_path_style is %q, want true or false", style)
	}
	c := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint := l.Params.Get("endpoint"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if o.BaseEndpoint != nil && o.Region == "" {
			o.Region = "us-east-1" // what servers other than Amazon's call themselves
		}
		o.UsePathStyle = pathStyle || style == "" && o.BaseEndpoint != nil
	})
	if c.Options().Region == "" {
		return nil, fmt.Errorf("no region is known: set AWS_REGION, or write s3://%s?region=…", l.Bucket)
	}
	return c, nil
}

// briefly lets the library repeat what may help at once, such as one part of a large upload;
// what lasts longer is for [Bucket.repeat].
func briefly() aws.Retryer {
	return retry.AddWithMaxBackoffDelay(retry.NewStandard(), 500*time.Millisecond)
}

func connectGS(ctx context.Context, l sinks.Location) (*blob.Bucket, error) {
	if l.Params.Get("anonymous") == "true" {
		return gcsblob.OpenBucket(ctx, gcp.NewAnonymousHTTPClient(gcp.DefaultTransport()), l.Bucket, nil)
	}
	found, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("no Google credentials are found: %w", err)
	}
	client, err := gcp.NewHTTPClient(gcp.DefaultTransport(), gcp.CredentialsTokenSource(found))
	if err != nil {
		return nil, err
	}
	return gcsblob.OpenBucket(ctx, client, l.Bucket, nil)
}

func connectAzure(ctx context.Context, l sinks.Location) (*blob.Bucket, error) {
	o := &azureblob.URLOpener{MakeClient: azureblob.NewDefaultClient, ServiceURLOptions: *azureblob.NewDefaultServiceURLOptions()}
	return o.OpenBucketURL(ctx, &url.URL{Scheme: l.Scheme, Host: l.Bucket, RawQuery: l.Params.Encode()})
}
